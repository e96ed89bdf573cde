"""Pages for people: a model's card, two models side by side, the whole report with its plots."""
