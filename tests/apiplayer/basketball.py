"""A basketball league beside the football: 30 teams, 211 players, each day's lines, the same on every machine.

  getNBATeamLines?teamAbv=DEN&gameDate=20261121   the lines of that team's players; none on 24 December, when nobody plays
"""
import zlib

from .shapes import ApiError

TEAMS = ('ATL BOS BKN CHA CHI CLE DAL DEN DET GSW HOU IND LAC LAL MEM '
         'MIA MIL MIN NOP NYK OKC ORL PHI PHX POR SAC SAS TOR UTA WAS').split()


def players(team):
    return ['%s%02d' % (team, number) for number in range(1, 9 if team == 'ATL' else 8)]


def _points(player, date):
    return zlib.crc32(('%s %s' % (player, date)).encode()) % 41


def team_lines(query):
    team, date = query.get('teamAbv'), query.get('gameDate', '')
    if team not in TEAMS:
        raise ApiError('teamAbv is no team: %s' % team)
    lines = [] if date.endswith('1224') else [{'playerID': player, 'pts': str(_points(player, date))} for player in players(team)]
    return {'teamAbv': team, 'gameDate': date, 'lines': lines}
