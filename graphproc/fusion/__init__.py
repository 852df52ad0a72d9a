"""Join a preprocessing graph to a model's graph, so that the model takes raw pixels."""
