"""The report of a campaign: one self-contained HTML page, drawn from the ledger, the estimates and the truth.

Only the user sees the truth. The page lies in the campaign's folder, which trials cannot read, and planners receive
nothing from it.
"""
