"""The operator's commands, a module each: what it is for (its docstring), `add_arguments(parser)` if it takes any, and
`run(system, console, options)`. A command that may come before there is a home says so by `IS_FIRST = True`.
"""
