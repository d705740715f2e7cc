import sys

try:
    from grader.cli import main
except (ImportError, OSError, MemoryError) as error:
    print(f"rung: Python cannot load the grader: {error}", file=sys.stderr)
    raise SystemExit(2) from None

raise SystemExit(main())
