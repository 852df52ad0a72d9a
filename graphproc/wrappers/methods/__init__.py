"""Methods that some processor classes have beside the call and the steps: one file a kind, `registry` says who has what."""
