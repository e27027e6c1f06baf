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
        from jsonb_each(found.cells || places.named) as cell
        where shown.spec -> 'columns' ? cell.key
    ) as cells
from raw.shown_ledgers as shown
cross join lateral ops.rows_as_of(shown.spec ->> 'rows', %(district)s, %(day)s, %(known_at)s) as found (cells)
cross join lateral (
    select jsonb_object_agg(place.type, place.names) as named
    from (
        select 'village' as type, max(village_name) as names from raw.villages where village_code = found.cells ->> 'village_code'
        union all
        select 'villages', string_agg(village_name, '、' order by village_code)
        from raw.villages
        where village_code in (select jsonb_array_elements_text(nullif(found.cells -> 'village_codes', 'null')))
    ) as place
) as places
where %(series)s::text is null or shown.spec -> 'series' ? %(series)s
