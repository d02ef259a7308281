"""Models from runs and the Hub, ranked on a leaderboard."""
