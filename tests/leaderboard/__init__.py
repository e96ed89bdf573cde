"""Tests of the room `leaderboard`."""
