-- By which rows a corrected slip is read: whatever was deleted from it, sorted or hidden.
alter table quarantine.rejected_rows add column row_key text;
comment on column quarantine.rejected_rows.row_key is 'Key of the row; null: blank, unreadable, or of a release that did not keep it';
