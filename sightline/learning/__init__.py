"""What every training shares: schedules, averaged weights, checkpoints, seeds, torchvision.

Needs the `train` extra (torch). Nothing that serves imports this package.
"""
