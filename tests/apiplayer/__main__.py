"""Plays the football API on a local port; see server.py for the options."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from apiplayer.server import main  # noqa: E402

main()
