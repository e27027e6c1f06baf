"""How large a file may be: beyond it is S10, judged as early as the file shows it."""

MAX_BYTES = 50 << 20
MAX_ROWS = 1_048_576
MAX_COLUMNS = 256
#: Cells of the rectangle that holds all content of a sheet: the readers keep all of it in memory.
MAX_CELLS = 12_000_000
MAX_MERGED_CELLS = 250_000
MAX_SHEETS = 1_000
#: Rows and cells with content: what is read is held whole, by the reader and by the gate.
MAX_FILLED_ROWS, MAX_FILLED_CELLS = 200_000, 3_000_000
#: Longer than any cell of a spreadsheet: the rest of such a text is not looked at, its row goes back (R10).
MAX_CELL_TEXT = 32_768
#: Of the archive that a workbook is: bytes and parts when unpacked; parts that are read whole; how far real workbooks can be packed.
MAX_INFLATED = 1 << 30
MAX_ENTRIES = 10_000
MAX_PART_READ_WHOLE = 16 << 20
#: Of the texts of a workbook: how many different ones, their bytes, and the characters of all cells together.
MAX_STRINGS, MAX_STRING_BYTES, MAX_CHARACTERS = 2_000_000, 192 << 20, 24_000_000
#: Cells of a sheet with an error, a percentage, or a formula that was perhaps never calculated; bytes of one element, comment or attribute.
MAX_MARKS, MAX_TOKEN, MAX_RUN_OF_TEXT = 500_000, 8 << 20, 64 << 20
#: Of an old binary workbook: records, and formats of cells (a spreadsheet program takes 65,490).
MAX_RECORDS, MAX_FORMATS = 4_000_000, 70_000
MAX_RATIO, RATIO_MATTERS_FROM = 100, 100 << 20


def seconds_to_read(size: int) -> float:
    """Wall time that reading a file of so many bytes may take: what hangs is noticed soon, what is large gets up to a minute."""
    return min(60.0, 8.0 + 2.0 * size / 2**20)
