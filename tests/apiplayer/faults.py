"""Faults on order: which request is answered wrongly, how, and how often.

A fault is an object: {"kind": ..., "endpoint": name or absent, "match": part of the query or absent, "times": N (absent: always),
"after": let N pass first, and what the kind needs}. Kinds:
  status       "status", "body" (text, may be empty), "headers" {}: that answer
  error200     HTTP 200 with "error" (text) and an empty "body" ({} or [])
  empty        HTTP 200 with "body": {} or [] or, with "missing", without one
  nonjson      HTTP 200 with an HTML page
  truncate     the true length announced, half of it sent, then closed
  wrong_types  the true answer with every list and object of its body turned into another type
  duplicate    the true answer with every element of its lists sent twice, and the players of a box score as such a list
  field        the true answer with each member named "name" replaced by "value"
  timeout      no answer for "seconds", then closed
  slow         the true answer in pieces over "seconds"
  reset        the connection is reset
"""
import json
import os
import threading

KINDS = ('status', 'error200', 'empty', 'nonjson', 'truncate', 'wrong_types', 'duplicate', 'field', 'timeout', 'slow', 'reset')


class Faults:
    def __init__(self, path=None):
        self._lock = threading.Lock()
        self._rules = []
        self._path = path
        self._stamp = None

    def set(self, rules):
        for rule in rules:
            if rule.get('kind') not in KINDS:
                raise ValueError('unknown fault %r; known: %s' % (rule.get('kind'), ', '.join(KINDS)))
        with self._lock:
            self._rules = [dict(rule) for rule in rules]

    def _reread(self):
        if not self._path or not os.path.exists(self._path):
            return
        stamp = os.stat(self._path).st_mtime_ns
        if stamp != self._stamp:
            self._stamp = stamp
            with open(self._path, encoding='utf-8') as file:
                self.set(json.load(file))

    def take(self, endpoint, query_text):
        """The fault for this request, counted down, or None."""
        self._reread()
        with self._lock:
            for rule in self._rules:
                if rule.get('endpoint', endpoint) != endpoint or rule.get('match', '') not in query_text:
                    continue
                if rule.get('after', 0) > 0:
                    rule['after'] -= 1
                    continue
                if 'times' in rule:
                    if rule['times'] <= 0:
                        continue
                    rule['times'] -= 1
                return rule
        return None


def wrong_types(value):
    """Lists become text, objects become lists of their values, text becomes a number in an object."""
    if isinstance(value, list):
        return 'not a list'
    if isinstance(value, dict):
        return {key: wrong_types(member) for key, member in value.items()} if value else 7
    return {'unexpected': 1.5}


def duplicate(value, name=''):
    """`value` with every element of its lists twice; `playerStats`, an object by player, as a list."""
    if name == 'playerStats' and isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [duplicate(member) for member in value for _ in range(2)]
    if isinstance(value, dict):
        return {key: duplicate(member, key) for key, member in value.items()}
    return value


def replace_member(value, name, replacement):
    """`value` with every member called `name` replaced, at any depth."""
    if isinstance(value, list):
        return [replace_member(member, name, replacement) for member in value]
    if isinstance(value, dict):
        return {key: replacement if key == name else replace_member(member, name, replacement) for key, member in value.items()}
    return value
