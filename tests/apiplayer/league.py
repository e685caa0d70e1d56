"""What is played: teams, games, players, recorded lines and prices, as rows of the CSV files' columns.

A league comes from a folder of CSVs (load_league) or is generated (generate_league in generated.py). Everything else works on
the League alone and does not know which of the two it is.
"""
import collections
import csv
import glob
import hashlib
import json
import os

STAT_COLUMNS = ('targets', 'receptions', 'receiving_yards', 'receiving_td', 'carries', 'rushing_yards', 'rushing_td',
                'return_td')


def stable_number(*parts):
    """The same number for the same parts, in every process (hash() of a string differs between them)."""
    text = '|'.join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], 'big')


class League:
    """teams: {abbreviation: team id}; games, players, rosters, lines: lists of dictionaries of text."""

    def __init__(self, teams, games, players, rosters, lines, prices, recorded, season=None):
        self.teams = teams
        self.games = {game['game_id']: game for game in games}
        self.players = [player for player in players if player['espn_id']]
        self.recorded = recorded
        self.lines = collections.defaultdict(list)
        for line in lines:
            self.lines[line['game_id']].append(line)
        self.real_prices = collections.defaultdict(list)
        for price in prices:
            self.real_prices[price['game_id']].append(price)
        played = [int(game['season']) for game in games if game['home_score'] != '']
        self.season = season or max(played)
        self.rosters = {}
        for row in rosters:
            if row['espn_id'] and int(row['season']) <= self.season:
                self.rosters[(int(row['season']), row['espn_id'])] = row
        self._scored = self._scoring_history()

    def week_games(self, season, season_type, week):
        """The games of a week, or of all weeks with week None, in the order of the schedule."""
        return [game for game in self.games.values()
                if int(game['season']) == season and game['season_type'] == season_type
                and (week is None or int(game['week']) == week)]

    def roster_row(self, espn_id):
        """His row of the season that is played, or None: then he is a free agent."""
        return self.rosters.get((self.season, espn_id))

    @staticmethod
    def line_player_id(line):
        """The API's id; a player without one gets an id that no player list contains, as the API has them too."""
        return line['espn_id'] or '99' + (line['player_id'].replace('-', '') or
                                          str(stable_number(line['player_name']) % 10**8))

    def _scoring_history(self):
        history = collections.defaultdict(list)
        for rows in self.lines.values():
            for line in rows:
                game = self.games[line['game_id']]
                scored = any(int(line[column] or 0) > 0 for column in ('receiving_td', 'rushing_td', 'return_td'))
                history[self.line_player_id(line)].append((int(game['kickoff_epoch']), scored))
        for rows in history.values():
            rows.sort()
        return history

    def prices(self, game_id):
        """[(player id, American price as the API writes it)]: recorded where there are any, else derived from what he had done
        before that game; the same at every call."""
        if game_id in self.real_prices:
            return [(self.line_player_id(price), price['anytime_td_american']) for price in self.real_prices[game_id]]
        game = self.games[game_id]
        found = {}
        for line in self.lines[game_id]:
            if line['position'] in ('WR', 'TE', 'RB', 'QB', 'FB'):
                found[self.line_player_id(line)] = line['position']
        if not found:
            for (season, espn_id), row in self.rosters.items():
                if season == self.season and row['team'] in (game['away'], game['home']) and row['status'] == 'ACT':
                    found[espn_id] = row['position']
        kickoff = int(game['kickoff_epoch'])
        return [(player, self._derived_price(player, position, game_id, kickoff)) for player, position in found.items()]

    @staticmethod
    def game_lines(game):
        """(total, by how many points the home team is expected to win): recorded, else made up; (None, 0) where the record has none."""
        if 'total_line' not in game:
            return 38 + stable_number(game['game_id'], 'total') % 28 / 2, stable_number(game['game_id'], 'spread') % 29 / 2 - 7
        if not game['total_line'] or not game['spread_line_home_fav']:
            return None, 0
        return float(game['total_line']), float(game['spread_line_home_fav'])

    def _derived_price(self, player, position, game_id, kickoff):
        before = [scored for when, scored in self._scored[player] if when < kickoff]
        base = {'WR': 0.2, 'TE': 0.15, 'RB': 0.3, 'QB': 0.14}.get(position, 0.08)
        chance = (sum(before) + 4 * base) / (len(before) + 4)
        chance *= 1.05 + (stable_number(player, game_id) % 100) / 1000
        chance = min(max(chance, 0.04), 0.75)
        american = -100 * chance / (1 - chance) if chance > 0.5 else 100 * (1 - chance) / chance
        rounded = int(round(american / 5.0)) * 5
        if abs(rounded) <= 100:
            return 'even'
        return ('+%d' % rounded) if rounded > 0 and stable_number(game_id) % 2 else str(rounded)


def _rows(folder, name):
    with open(os.path.join(folder, name), newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def load_league(folder, season=None):
    """The seasons in a folder of CSV files (nflverse, CC BY 4.0)."""
    teams = {row['tank01_abv']: row['tank01_team_id'] for row in _rows(folder, 'teams.csv')}
    games = _rows(folder, 'games_2023_2024.csv')
    upcoming = os.path.join(folder, 'games_2026_schedule.csv')
    if os.path.exists(upcoming):
        games += _rows(folder, 'games_2026_schedule.csv')
    recorded = {}
    for path in glob.glob(os.path.join(folder, 'boxscores', '*.json')):
        with open(path, 'rb') as file:
            body = file.read()
        recorded[json.loads(body)['body']['gameID']] = body
    return League(teams, games, _rows(folder, 'players.csv'), _rows(folder, 'rosters_2023_2024.csv'),
                  _rows(folder, 'player_weeks_2023_2024.csv'), _rows(folder, 'anytime_td_odds_2024_w09.csv'), recorded,
                  season)
