select
    shown.ledger,
    row_number() over (partition by shown.ledger order by found.cells ->> (shown.spec ->> 'key'), found.cells::text)::integer as row_no,
    coalesce(found.cells ->> 'township_code', %(district)s::text || '000') as township_code,
    found.cells ->> 'submission_id' as submission_id,
    found.cells ->> 'source_file' as source_file,
    found.cells ->> 'source_sheet' as source_sheet,
    (found.cells ->> 'source_row')::integer as source_row,
    (
        select coalesce(jsonb_object_agg(cell.key, cell.value), '{}')
        from jsonb_each(found.cells || (
            -- a place is stored as its code
            select coalesce(jsonb_object_agg(detail ->> 'column', (
                select string_agg(village_name, '、' order by village_code) from raw.villages
                where village_code = found.cells ->> 'village_code' or coalesce(found.cells -> 'village_codes', '[]') ? village_code
            )), '{}')
            from jsonb_array_elements(shown.spec -> 'details') as detail
            where detail ->> 'type' in ('village', 'villages')
        )) as cell
        where shown.spec -> 'columns' ? cell.key
    ) as cells
from raw.shown_ledgers as shown
cross join lateral ops.rows_as_of(shown.spec ->> 'rows', %(district)s, %(day)s, %(known_at)s) as found (cells)
where %(series)s::text is null or shown.spec -> 'series' ? %(series)s
