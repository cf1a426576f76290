"""The profile of the session: its choice, own profiles, and the card of its rules, before and after training."""
