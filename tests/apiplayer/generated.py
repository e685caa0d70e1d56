"""A small league for machines without recorded seasons: eight teams, one season of 18 weeks and a post-season, always the same."""
import datetime
import itertools

from .league import League, stable_number

TEAMS = {'BUF': '4', 'CIN': '7', 'DET': '11', 'KC': '16', 'LAR': '19', 'MIN': '21', 'PHI': '26', 'WSH': '32'}
SQUAD = ('QB', 'RB', 'RB', 'WR', 'WR', 'WR', 'TE', 'TE')
SEASON = 2024
FIRST_SUNDAY = datetime.date(2024, 9, 8)
FIRST_NAMES = ('Adam', 'Ben', 'Carl', 'Dan', 'Ed', 'Frank', 'Gus', 'Hal')
# Days after the week's Sunday and the kickoff, Eastern time.
SLOTS = ((-3, '20:15'), (0, '13:00'), (0, '16:25'), (1, '20:15'))
FALL_BACK = datetime.date(2024, 11, 3)


def _round_robin(week):
    """Pairs of teams by the circle method; home and away change with the round."""
    names = list(TEAMS)
    turn = (week - 1) % (len(names) - 1)
    ring = names[1:][turn:] + names[1:][:turn]
    order = [names[0]] + ring
    pairs = [(order[i], order[-1 - i]) for i in range(len(order) // 2)]
    return pairs if ((week - 1) // (len(names) - 1)) % 2 == 0 else [(home, away) for away, home in pairs]


def _game(week, season_type, pair, slot):
    days, clock = SLOTS[slot]
    offset = week - 1 if season_type == 'reg' else 18 + week - 1
    date = FIRST_SUNDAY + datetime.timedelta(weeks=offset, days=days)
    hour, minute = (int(part) for part in clock.split(':'))
    utc_offset = 4 if date < FALL_BACK else 5
    kickoff = datetime.datetime(date.year, date.month, date.day, hour, minute, tzinfo=datetime.timezone.utc)
    away, home = pair
    game_id = '%s_%s@%s' % (date.strftime('%Y%m%d'), away, home)
    return {'game_id': game_id, 'season': str(SEASON), 'season_type': season_type, 'week': str(week),
            'game_date': date.isoformat(), 'weekday': date.strftime('%A'), 'kickoff_et': clock,
            'kickoff_epoch': str(int(kickoff.timestamp()) + utc_offset * 3600), 'away': away, 'home': home,
            'neutral_site': '0', 'espn_event_id': str(401000000 + stable_number(game_id) % 1000000)}


def _players():
    players = []
    for number, (team, position) in enumerate(itertools.product(TEAMS, range(len(SQUAD)))):
        name = '%s %s%s' % (FIRST_NAMES[position], team.title(), SQUAD[position].title())
        players.append({'player_id': '00-%07d' % (number + 1), 'espn_id': str(5000000 + number), 'full_name': name,
                        'position': SQUAD[position], 'last_team': team, 'last_season': str(SEASON), 'birth_date': '1999-05-04',
                        'height': '74', 'weight': '215', 'rookie_year': '2021', 'sleeper_id': str(number)})
    return players


def _line(player, game):
    """One recorded line, or None when he had no touch (a receiver without a target has no row)."""
    dice = stable_number(player['espn_id'], game['game_id'])
    position = player['position']
    targets = {'WR': dice % 10, 'TE': dice % 7, 'RB': dice % 5, 'QB': 0}[position]
    carries = {'WR': dice // 11 % 2, 'TE': 0, 'RB': dice // 11 % 18, 'QB': dice // 11 % 6}[position]
    if position in ('WR', 'TE') and targets == 0 and carries == 0:
        return None
    receptions = targets * (dice // 13 % 8) // 10
    values = {'targets': targets, 'receptions': receptions, 'receiving_yards': receptions * (dice // 17 % 18) - dice % 3,
              'receiving_td': 1 if receptions and dice // 19 % 4 == 0 else 0, 'carries': carries,
              'rushing_yards': carries * (dice // 23 % 7) - dice % 2, 'rushing_td': 1 if carries > 3 and dice // 29 % 3 == 0 else 0,
              'return_td': 1 if position == 'WR' and dice // 31 % 90 == 0 else 0}
    if not targets:
        values['receiving_yards'] = 0
    if not carries:
        values['rushing_yards'] = 0
    row = {key: str(value) for key, value in values.items()}
    row.update(season=game['season'], season_type=game['season_type'], week=game['week'], game_id=game['game_id'],
               player_id=player['player_id'], espn_id=player['espn_id'], player_name=player['full_name'], position=position,
               team=player['last_team'])
    return row


def generate_league(season=None):
    """The generated league; season as in load_league."""
    players = _players()
    games, lines = [], []
    fixtures = [(week, 'reg', pair, slot) for week in range(1, 19) for slot, pair in enumerate(_round_robin(week))]
    fixtures += [(1, 'post', ('BUF', 'KC'), 1), (1, 'post', ('DET', 'PHI'), 2), (2, 'post', ('KC', 'PHI'), 1)]
    for fixture in fixtures:
        game = _game(*fixture)
        score = {game['away']: 0, game['home']: 0}
        for player in players:
            if player['last_team'] in score:
                line = _line(player, game)
                if line:
                    lines.append(line)
                    score[player['last_team']] += 7 * sum(int(line[key]) for key in ('receiving_td', 'rushing_td', 'return_td'))
        game['away_score'], game['home_score'] = str(score[game['away']]), str(score[game['home']] + 3)
        games.append(game)
    rosters = [{'season': str(SEASON), 'team': player['last_team'], 'player_id': player['player_id'], 'espn_id': player['espn_id'],
                'full_name': player['full_name'], 'position': player['position'], 'jersey': str(index % 90 + 1), 'status': 'ACT',
                'years_exp': '3'} for index, player in enumerate(players)]
    return League(TEAMS, games, players, rosters, lines, [], {}, season)
