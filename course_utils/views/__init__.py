"""Interactive views: what a learner can touch. Each answers in the page, without a kernel."""
