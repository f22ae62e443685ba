"""What a person looks at in the morning: one self-contained page, drawn from the ledger, the estimates and the truth.

The truth is shown to the person alone. The page lies in the campaign's folder, which no trial sees, and no planner is
told anything of it.
"""
