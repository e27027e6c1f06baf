-- What has another owner than it should, schemas first; sequences of identity columns and indexes follow their tables.
with ours as (
    select oid, nspname, nspowner from pg_namespace
    where nspname in ('raw', 'households', 'personal', 'quarantine', 'ops', 'published') or nspname = any(%(built)s)
),
things as (
    select true as is_schema, format('schema %%I', nspname) as thing, nspowner as owner_id, %(owner)s as owner from ours
    union all
    select false, 'table ' || relation.oid::regclass, relowner,
        case when nspname = any(%(built)s) then %(transformer)s else %(owner)s end
    from pg_class as relation
    join ours on ours.oid = relnamespace
    where relkind in ('r', 'v', 'm', 'p')
        or relkind = 'S' and not exists (select from pg_depend where objid = relation.oid and deptype in ('a', 'i'))
    union all
    select false, 'routine ' || routine.oid::regprocedure, proowner, case when nspname = 'marts' then %(transformer)s else %(owner)s end
    from pg_proc as routine
    join ours on ours.oid = pronamespace
)
select thing, owner from things where is_schema = %(is_schema)s and owner_id <> owner::regrole order by thing
