insert into ops.submissions
    (submission_id, district_code, unit_code, inbox_path, file_name, file_sha256, file_size, file_mtime_ns,
     file_inode, file_ctime_ns, is_whole, named_dates)
select to_char(clock_timestamp(), 'YYYYMMDD-') || to_char(nextval('ops.submission_no'), 'FM000000'),
       %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s
returning submission_id
