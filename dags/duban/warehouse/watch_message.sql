insert into ops.watch_messages (message_key, district_code, watched_on, said, subject, text)
select concat_ws('-', %(district)s::text, 'watch', to_char(%(day)s::date, 'YYYYMMDD'), count(*) + 1),
    %(district)s, %(day)s, %(said)s, %(subject)s, %(text)s
from ops.watch_messages where district_code = %(district)s and watched_on = %(day)s
returning message_key
