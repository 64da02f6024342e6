"""One conversation in Slack, Matrix and e-mail, on an emulator and two real servers; `python -m sandbox.three_way` plays it."""
