"""How a network is trained: the recipe, the schedule and the one loop."""
