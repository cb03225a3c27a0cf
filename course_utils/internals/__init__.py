"""What the tools need and no lesson imports: downloads, and how a training ends early."""
