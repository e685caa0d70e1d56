"""The API's answers, built from a League: names, text numbers and body shapes as the API sends them."""
from .league import stable_number

REGULAR_WORDS = 'Regular Season'
POST_WORDS = {1: 'Wild Card', 2: 'Divisional Round', 3: 'Conference Championship', 4: 'Super Bowl'}
GAME_SECONDS = 3.5 * 3600
NO_GAMES = 'no games returned, check your parameters for syntax errors'


class ApiError(Exception):
    """Answered with HTTP 200, an empty body and this error text, as the API does."""

    def __init__(self, text, body=None):
        super().__init__(text)
        self.body = {} if body is None else body


def status_code(game, now):
    """'0' not started, '1' in progress, '2' finished, at `now` (seconds; None: after everything that has a score)."""
    if game['home_score'] == '':
        return '0'
    if now is None or int(game['kickoff_epoch']) + GAME_SECONDS <= now:
        return '2'
    return '1' if int(game['kickoff_epoch']) <= now else '0'


def _clock(text):
    hour, minute = (int(part) for part in text.split(':'))
    return '%d:%02d%s' % ((hour - 1) % 12 + 1, minute, 'p' if hour >= 12 else 'a')


def _week_words(game):
    if game['season_type'] == 'post':
        return 'Postseason', POST_WORDS[int(game['week'])]
    return REGULAR_WORDS, 'Week ' + game['week']


def week_game(league, game, now):
    """One element of getNFLGamesForWeek."""
    season_words, week_words = _week_words(game)
    code = status_code(game, now)
    known = game['kickoff_et'] != ''
    return {'gameID': game['game_id'], 'seasonType': season_words, 'away': game['away'],
            'gameDate': game['game_date'].replace('-', ''), 'espnID': game['espn_event_id'],
            'teamIDHome': league.teams[game['home']],
            'gameStatus': {'0': 'Scheduled', '1': 'Live - In Progress', '2': 'Final'}[code], 'gameWeek': week_words,
            'teamIDAway': league.teams[game['away']], 'home': game['home'],
            'espnLink': 'https://www.espn.com/nfl/boxscore/_/gameId/' + game['espn_event_id'],
            'cbsLink': 'https://www.cbssports.com/nfl/gametracker/boxscore/NFL_%s_%s@%s' % (
                game['game_date'].replace('-', ''), _cbs(game['away']), _cbs(game['home'])),
            'gameTime': _clock(game['kickoff_et']) if known else 'TBD',
            'gameTime_epoch': game['kickoff_epoch'] + '.0' if known else '', 'season': game['season'],
            'neutralSite': 'True' if game['neutral_site'] == '1' else 'False', 'gameStatusCode': code}


def _cbs(team):
    return {'JAX': 'JAC', 'WSH': 'WAS'}.get(team, team)


def games_for_week(league, query, now):
    season = int(query.get('season', league.season))
    week = None if query.get('week', 'all') == 'all' else int(query['week'])
    kinds = {'all': ('reg', 'post')}.get(query.get('seasonType', 'reg'), (query.get('seasonType', 'reg'),))
    games = [week_game(league, game, now) for kind in kinds for game in league.week_games(season, kind, week)]
    if not games:
        raise ApiError(NO_GAMES, [])
    return games


def scores_only(league, query, now):
    body = {}
    for game in league.games.values():
        if 'gameID' in query and game['game_id'] != query['gameID']:
            continue
        if 'gameDate' in query and game['game_date'].replace('-', '') != query['gameDate']:
            continue
        if 'gameWeek' in query and (game['week'], game['season'], game['season_type']) != (
                query['gameWeek'], query.get('season', str(league.season)), query.get('seasonType', 'reg')):
            continue
        code = status_code(game, now)
        points = (game['away_score'], game['home_score']) if code == '2' else ('', '')
        body[game['game_id']] = {
            'away': game['away'], 'home': game['home'], 'teamIDAway': league.teams[game['away']],
            'teamIDHome': league.teams[game['home']], 'gameID': game['game_id'],
            'gameStatus': {'0': 'Not Started Yet', '1': 'Live - In Progress', '2': 'Completed'}[code], 'gameStatusCode': code,
            'awayPts': points[0], 'homePts': points[1], 'gameClock': '', 'currentPeriod': 'Final' if code == '2' else '',
            'gameTime_epoch': game['kickoff_epoch'] + '.0', 'lineScore': {}}
    return body


def _categories(line):
    """The stat objects of one recorded line; a category is absent when he has none."""
    value = {key: int(line[key] or 0) for key in ('targets', 'receptions', 'receiving_yards', 'receiving_td', 'carries',
                                                  'rushing_yards', 'rushing_td', 'return_td')}
    stats = {}
    if value['targets'] or value['receptions'] or value['receiving_yards'] or value['receiving_td']:
        stats['Receiving'] = {'receptions': str(value['receptions']), 'recTD': str(value['receiving_td']),
                              'longRec': str(value['receiving_yards']), 'targets': str(value['targets']),
                              'recYds': str(value['receiving_yards']), 'recAvg': '%.1f' % (
                                  value['receiving_yards'] / max(value['receptions'], 1))}
    if value['carries'] or value['rushing_yards'] or value['rushing_td']:
        stats['Rushing'] = {'rushAvg': '%.1f' % (value['rushing_yards'] / max(value['carries'], 1)),
                            'rushYds': str(value['rushing_yards']), 'carries': str(value['carries']),
                            'longRush': str(value['rushing_yards']), 'rushTD': str(value['rushing_td'])}
    if value['return_td']:
        where = 'Kicking' if stable_number(line['game_id'], line['player_id']) % 2 else 'Punting'
        word = 'kickReturn' if where == 'Kicking' else 'puntReturn'
        stats[where] = {word + 's': '2', word + 'TD': str(value['return_td']), word + 'Yds': '103', word + 'Avg': '51.5',
                        word + 'Long': '95'}
    if line['position'] == 'QB':
        stats['Passing'] = {'qbr': '55.1', 'rtg': '90.0', 'sacked': '1-4', 'passAttempts': '30', 'passAvg': '7.0', 'passTD': '1',
                            'passYds': '210', 'int': '1', 'passCompletions': '20'}
    if not stats:
        stats['Receiving'] = {'receivingTwoPointConversion': '1'}
    return stats


def _snaps(offence):
    return {'offSnap': '31' if offence else '0', 'offSnapPct': '0.48' if offence else '0.00', 'defSnap': '0',
            'defSnapPct': '0.00', 'stSnap': '4', 'stSnapPct': '0.15'}


def _player_stats(league, game):
    def entry(player_id, team, name):
        return {'gameID': game['game_id'], 'teamID': league.teams[team], 'team': team, 'teamAbv': team, 'playerID': player_id,
                'longName': name, 'snapCounts': _snaps(True)}

    players = {}
    for line in league.lines[game['game_id']]:
        player_id = league.line_player_id(line)
        players[player_id] = dict(entry(player_id, line['team'], line['player_name']), **_categories(line))
    # Everyone with a snap is listed, most without any category.
    for (season, espn_id), row in league.rosters.items():
        if str(season) == game['season'] and row['team'] in (game['away'], game['home']) and row['status'] == 'ACT':
            players.setdefault(espn_id, entry(espn_id, row['team'], row['full_name']))
    for team in (game['away'], game['home']):
        for number in range(20):
            player_id = '88%s%03d' % (league.teams[team].zfill(2), number)
            tackler = entry(player_id, team, 'Defender %d' % number)
            tackler['Defense'] = {'totalTackles': str(number % 8), 'soloTackles': '1', 'tfl': '0', 'qbHits': '0', 'sacks': '0',
                                  'defensiveInterceptions': '0', 'passDeflections': '0', 'forcedFumbles': '0', 'defTD': '0'}
            players[player_id] = tackler
    return players


def box_score(league, query, now):
    """One game, or the bytes of a recorded answer (envelope included)."""
    game = league.games.get(query.get('gameID', ''))
    if game is None:
        raise ApiError('bad gameID')
    code = status_code(game, now)
    if code == '2' and game['game_id'] in league.recorded:
        return league.recorded[game['game_id']]
    season_words, week_words = _week_words(game)
    body = {'gameID': game['game_id'], 'gameDate': game['game_date'].replace('-', ''), 'seasonType': season_words,
            'gameWeek': week_words, 'away': game['away'], 'home': game['home'], 'teamIDAway': league.teams[game['away']],
            'teamIDHome': league.teams[game['home']], 'gameStatusCode': code,
            'gameStatus': {'0': 'Not Started Yet', '1': 'Live - In Progress', '2': 'Completed'}[code], 'gameClock': '',
            'currentPeriod': 'Final' if code == '2' else 'Q2', 'network': 'CBS', 'arena': 'Stadium', 'arenaCapacity': '71,500',
            'attendance': '70,000', 'gameLocation': 'Somewhere', 'Referees': 'Nobody', 'scoringPlays': [], 'teamStats': {},
            'DST': {}, 'lineScore': {}}
    if code == '2':
        away, home = int(game['away_score']), int(game['home_score'])
        body.update(awayPts=game['away_score'], homePts=game['home_score'],
                    awayResult='W' if away > home else 'L' if away < home else 'T',
                    homeResult='L' if away > home else 'W' if away < home else 'T',
                    playerStats=_player_stats(league, game))
    return body


def _game_lines(league, game):
    """What a book expects of the game; a book without lines sends an empty object."""
    total, favour = league.game_lines(game)
    if total is None:
        return {}
    return {'totalOver': '%g' % total, 'totalUnder': '%g' % total, 'totalOverOdds': '-110', 'totalUnderOdds': '-110',
            'homeTeamSpread': '%+g' % -favour if favour else 'PK', 'awayTeamSpread': '%+g' % favour if favour else 'PK',
            'homeTeamMLOdds': '-150', 'awayTeamML': '+130',
            'impliedTotals': {'homeTotal': '%g' % ((total + favour) / 2), 'awayTotal': '%g' % ((total - favour) / 2)}}


def betting_odds(league, query, now, shape='single'):
    """Player props of a game. shape: 'single' (one game object), 'list' (array), 'map' (object by gameID), 'books' (a list
    whose prices are keyed by bookmaker)."""
    game = league.games.get(query.get('gameID', ''))
    if game is None:
        raise ApiError('Your query returned no results.')
    lines = _game_lines(league, game)
    body = {'gameID': game['game_id'], 'gameDate': game['game_date'].replace('-', ''), 'awayTeam': game['away'],
            'homeTeam': game['home'], 'teamIDAway': league.teams[game['away']], 'teamIDHome': league.teams[game['home']],
            'last_updated_e_time': game['kickoff_epoch'] + '.0'}
    if shape in ('list', 'books'):
        body['sportsBooks'] = [{'sportsBook': 'draftkings', 'odds': lines}, {'sportsBook': 'fanduel', 'odds': lines}]
    else:
        body.update(draftkings=lines, fanduel=lines, betmgm={})
    if query.get('playerProps') == 'true':
        body['playerProps'] = [_props(game, player, price, shape) for player, price in league.prices(game['game_id'])]
    return {'single': body, 'list': [body], 'books': [body], 'map': {game['game_id']: body}}[shape]


def _props(game, player, price, shape):
    bets = {'recyds': '45.5', 'recs': '3.5'}
    if shape == 'books':
        dearer = price if price == 'even' else str(int(price) + (5 if int(price) > 0 else -5))
        bets['anytd'] = {'draftkings': price, 'fanduel': dearer}
    elif price:
        bets['anytd'] = price
    if stable_number(player, game['game_id']) % 3 == 0:
        bets['firsttd'] = '900'
    return {'playerID': player, 'propBets': bets}


def _list_entry(league, player):
    row = league.roster_row(player['espn_id'])
    free = row is None or row['status'] in ('CUT', 'RET', 'TRC', 'TRD')
    team = row['team'] if row else player['last_team'] if player['last_team'] in league.teams else 'FA'
    espn = player['espn_id']
    name = player['full_name']
    position = (row['position'] if row else player['position']) or 'WR'
    inches = int(float(player['height'] or 0))
    return {'playerID': espn, 'espnID': espn, 'longName': name, 'espnName': name, 'pos': {'K': 'PK'}.get(position, position),
            'team': team, 'teamID': league.teams.get(team, ''), 'jerseyNum': row['jersey'] if row else '',
            'height': '%d\'%d"' % divmod(inches, 12) if inches else '', 'weight': player['weight'], 'bDay': player['birth_date'],
            'age': '25', 'exp': row['years_exp'] if row and row['years_exp'] != '0' else 'R', 'school': '',
            'isFreeAgent': 'True' if free else 'False',
            'injury': {'designation': '', 'description': '', 'injDate': '', 'injReturnDate': ''},
            'espnLink': 'https://www.espn.com/nfl/player/_/id/' + espn,
            'espnHeadshot': 'https://a.espncdn.com/i/headshots/nfl/players/full/%s.png' % espn, 'espnIDFull': espn,
            'sleeperBotID': player['sleeper_id'], 'yahooPlayerID': '', 'lastGamePlayed': ''}


def _fringe_entry(number):
    """A lineman with every key that the API knows, to bring the list to its real size."""
    name = 'Fringe Player %04d' % number
    entry = {key: '%d' % (7000000 + number) for key in (
        'playerID', 'espnID', 'espnIDFull', 'sleeperBotID', 'yahooPlayerID', 'cbsPlayerID', 'cbsPlayerIDFull', 'rotoWirePlayerID',
        'rotoWirePlayerIDFull', 'fantasyProsPlayerID')}
    entry.update(longName=name, espnName=name, cbsLongName=name, cbsShortName='F. Player', pos=('OT', 'G', 'CB', 'S')[number % 4],
                 team='BUF', teamID='4', jerseyNum='', height='6\'4"', weight='300', bDay='1/2/2000', age='24', exp='R',
                 school='Somewhere State', isFreeAgent='False', fRefID='PlayFr%02d' % (number % 100),
                 injury={'designation': '', 'description': '', 'injDate': '', 'injReturnDate': ''},
                 lastGamePlayed='20241103_MIA@BUF', espnLink='https://www.espn.com/nfl/player/_/id/%d/%s' % (number, name),
                 espnHeadshot='https://a.espncdn.com/i/headshots/nfl/players/full/%d.png' % number,
                 yahooLink='https://sports.yahoo.com/nfl/players/%d' % number,
                 fantasyProsLink='https://www.fantasypros.com/nfl/players/fringe-player-%d.php' % number,
                 padding='\u00e9' * 60)
    return entry


def player_list(league, query, paged=False, fringe=0):
    """All players in one array (until 2025), or pages of 1,000 with a nextToken (2026)."""
    players = [_list_entry(league, player) for player in league.players] + [_fringe_entry(number) for number in range(fringe)]
    if not paged:
        return players
    start = int(query.get('nextToken', 'page0')[4:])
    body = {'players': players[start:start + 1000]}
    if start + 1000 < len(players):
        body['nextToken'] = 'page%d' % (start + 1000)
    return body
