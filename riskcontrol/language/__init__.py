"""The strategy language: small, safe text about when to buy and when to sell.

Text is split into tokens (`tokens`), parsed against the list of known words into a tree of the node types in `tree`
(`parser`, `words`) and brought into the one form that all texts of the same meaning share (`canonical`). The engine
takes it as alternatives of conditions (`clauses`). Nothing is ever evaluated as Python.
"""
