"""`python -m riskcontrol`: the command line."""

from riskcontrol.cli import main

if __name__ == "__main__":
    main()
