"""What an operator must know: checks, the report of a day, deadlines, mutes, failed tasks. Reads everything, mends nothing."""
