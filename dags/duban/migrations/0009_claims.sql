-- What tells a claimed file from another one under its name, whether all of it was read, and the days that its name states: the name
-- itself is kept masked, and a day beside other digits may look like a telephone number.

alter table ops.submissions
    add column file_inode    numeric(20),  -- as large as 2^64 - 1
    add column file_ctime_ns bigint,       -- before it was hidden: a rename is a change
    add column is_whole      boolean,      -- false: it stayed unreadable, and the landing area holds what could be read
    add column named_dates   date[];       -- all four are null for files that an earlier version took
