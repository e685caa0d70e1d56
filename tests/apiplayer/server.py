"""The HTTP side: GET /<endpoint> as the API answers it, and /_control/... for tests.

  GET  /_control/counts          {endpoint: requests so far}, every request counted when it arrives
  GET  /_control/traffic         {"peak": most requests at once, "arrivals": [seconds of each]}
  POST /_control/reset           counts and traffic to zero, no faults
  POST /_control/faults          a JSON list, see faults.py
  POST /_control/settings        {"now": seconds or null, "odds_shape": ..., "paged_players": bool, "fringe_players": N,
                                  "quota": [limit or null, calls left, seconds]; each answer takes one of them}
"""
import argparse
import collections
import datetime
import http.server
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
import urllib.parse

from . import basketball, shapes
from .faults import Faults, duplicate, replace_member, wrong_types
from .generated import generate_league
from .league import load_league

HTML = b'<html><body><h1>502 Bad Gateway</h1></body></html>'


class Player:
    """What the requests share."""

    def __init__(self, league, faults, settings, key):
        self.league = league
        self.faults = faults
        self.settings = settings
        self.key = key
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.cache = {}
        self.active = self.peak = 0
        self.arrivals = []

    def begin(self, endpoint):
        with self.lock:
            self.counts[endpoint] += 1
            self.active += 1
            self.peak = max(self.peak, self.active)
            self.arrivals.append(time.monotonic())

    def end(self):
        with self.lock:
            self.active -= 1

    def forget(self):
        with self.lock:
            self.counts.clear()
            self.arrivals.clear()
            self.peak = self.active

    def quota_headers(self):
        """What is left of the plan's calls after this one."""
        with self.lock:
            quota = self.settings['quota']
            quota[1] -= 1
            names = ('Limit', 'Remaining', 'Reset')
            return {'X-RateLimit-Requests-' + name: str(value) for name, value in zip(names, quota) if value is not None}

    def change(self, settings):
        with self.lock:
            self.settings.update(settings)
            self.cache.clear()

    def answer(self, endpoint, query):
        """The complete answer as bytes; None for an endpoint that does not exist. Kept, for tests that measure the client."""
        kept = (endpoint, tuple(sorted(query.items())))
        with self.lock:
            if kept in self.cache:
                return self.cache[kept]
        try:
            body = self._body(endpoint, query)
            if body is None:
                return None
            answer = body if isinstance(body, bytes) else json.dumps({'statusCode': 200, 'body': body}).encode()
        except shapes.ApiError as error:
            answer = json.dumps({'statusCode': 200, 'body': error.body, 'error': str(error)}).encode()
        with self.lock:
            self.cache[kept] = answer
        return answer

    def _body(self, endpoint, query):
        league, settings = self.league, self.settings
        if endpoint == 'getNFLGamesForWeek':
            return shapes.games_for_week(league, query, settings['now'])
        if endpoint == 'getNFLScoresOnly':
            return shapes.scores_only(league, query, settings['now'])
        if endpoint == 'getNFLBoxScore':
            return shapes.box_score(league, query, settings['now'])
        if endpoint == 'getNFLBettingOdds':
            return shapes.betting_odds(league, query, settings['now'], settings['odds_shape'])
        if endpoint == 'getNFLPlayerList':
            return shapes.player_list(league, query, settings['paged_players'], settings['fringe_players'])
        if endpoint == 'getNBATeamLines':
            return basketball.team_lines(query)
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    wbufsize = -1
    disable_nagle_algorithm = True
    player = None

    def log_message(self, format, *args):
        pass

    def _send(self, status, body, headers=None, length=None):
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _json(self, status, value):
        self._send(status, json.dumps(value).encode())

    def do_POST(self):
        length = int(self.headers.get('Content-Length', 0))
        try:
            value = json.loads(self.rfile.read(length) or b'null')
            if self.path == '/_control/faults':
                self.player.faults.set(value)
            elif self.path == '/_control/settings':
                self.player.change(value)
            elif self.path == '/_control/reset':
                self.player.faults.set([])
                self.player.forget()
            else:
                return self._json(404, {'error': 'no such control: ' + self.path})
        except (ValueError, TypeError) as error:
            return self._json(400, {'error': str(error)})
        return self._json(200, {})

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        if parts.path == '/_control/counts':
            with self.player.lock:
                return self._json(200, dict(self.player.counts))
        if parts.path == '/_control/traffic':
            with self.player.lock:
                return self._json(200, {'peak': self.player.peak, 'arrivals': self.player.arrivals})
        endpoint = parts.path.strip('/')
        self.player.begin(endpoint)
        try:
            return self._play(endpoint, parts)
        finally:
            self.player.end()

    def _play(self, endpoint, parts):
        query = dict(urllib.parse.parse_qsl(parts.query))
        fault = self.player.faults.take(endpoint, urllib.parse.unquote(parts.query))
        if fault:
            return self._fault(fault, endpoint, query)
        if self.player.key and self.headers.get('X-RapidAPI-Key') != self.player.key:
            return self._json(403, {'message': 'You are not subscribed to this API.'})
        return self._answer(endpoint, query)

    def _answer(self, endpoint, query):
        answer = self.player.answer(endpoint, query)
        if answer is None:
            return self._json(404, {'message': "Endpoint '/%s' does not exist" % endpoint})
        return self._send(200, answer, self.player.quota_headers())

    def _fault(self, fault, endpoint, query):
        kind = fault['kind']
        if kind == 'status':
            return self._send(fault['status'], fault.get('body', '').encode(), fault.get('headers'))
        if kind == 'error200':
            return self._json(200, {'statusCode': 200, 'body': fault.get('body', {}), 'error': fault['error']})
        if kind == 'empty':
            return self._json(200, {'statusCode': 200} if fault.get('missing') else
                              {'statusCode': 200, 'body': fault.get('body', {})})
        if kind == 'nonjson':
            return self._send(200, HTML)
        if kind in ('timeout', 'reset'):
            time.sleep(fault.get('seconds', 30) if kind == 'timeout' else 0)
            if kind == 'reset':
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                self.connection.close()
            self.close_connection = True
            return None
        return self._fault_of_answer(fault, self.player.answer(endpoint, query) or b'{}')

    def _fault_of_answer(self, fault, answer):
        if fault['kind'] == 'truncate':
            self.close_connection = True
            return self._send(200, answer[:len(answer) // 2], length=len(answer))
        if fault['kind'] == 'slow':
            return self._slow(answer, fault.get('seconds', 1))
        value = json.loads(answer)
        if fault['kind'] == 'field':
            return self._json(200, replace_member(value, fault['name'], fault['value']))
        if fault['kind'] == 'duplicate':
            return self._json(200, duplicate(value))
        return self._json(200, {'statusCode': 200, 'body': wrong_types(value['body'])})

    def _slow(self, answer, seconds):
        self.send_response(200)
        self.send_header('Content-Length', str(len(answer)))
        self.end_headers()
        pieces = 10
        for number in range(pieces):
            self.wfile.write(answer[len(answer) * number // pieces:len(answer) * (number + 1) // pieces])
            self.wfile.flush()
            time.sleep(seconds / pieces)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that goes away is not worth a traceback


def _instant(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()


def _options():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(prog='apiplayer', description='Plays the football API for tests.')
    parser.add_argument('--data', default=os.path.join(root, '..', 'shared', 'data'), help='folder of recorded seasons')
    parser.add_argument('--generated', action='store_true', help='the generated league, also when the folder exists')
    parser.add_argument('--season', type=int, help='season of the rosters (default: the last one played)')
    parser.add_argument('--now', help='RFC 3339 instant: later games are not played yet (default: all with a score are)')
    parser.add_argument('--port', type=int, default=0, help='default: a free one')
    parser.add_argument('--port-file', help='the port is written there once it listens')
    parser.add_argument('--key', help='requests must carry this key')
    parser.add_argument('--faults', help='JSON file of faults, read again when it changes')
    parser.add_argument('--odds-shape', default='single', choices=('single', 'list', 'map', 'books'))
    parser.add_argument('--paged-players', action='store_true')
    parser.add_argument('--fringe-players', type=int, default=0, help='that many further players in the list')
    return parser.parse_args()


def main():
    options = _options()
    real = not options.generated and os.path.exists(os.path.join(options.data, 'player_weeks_2023_2024.csv'))
    league = load_league(options.data, options.season) if real else generate_league(options.season)
    settings = {'now': _instant(options.now) if options.now else None, 'odds_shape': options.odds_shape,
                'paged_players': options.paged_players, 'fringe_players': options.fringe_players,
                'quota': [10000, 10000, 86000]}
    Handler.player = Player(league, Faults(options.faults), settings, options.key)
    server = Server(('127.0.0.1', options.port), Handler)
    port = server.server_address[1]
    if options.port_file:
        with open(options.port_file + '.new', 'w', encoding='ascii') as file:
            file.write('%d\n' % port)
        os.rename(options.port_file + '.new', options.port_file)
    print('playing %s on http://127.0.0.1:%d' % ('the recorded seasons' if real else 'a generated league', port), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.serve_forever()
    except (KeyboardInterrupt, SystemExit):
        pass
