-- A ledger is a source of dbt by the name of its folder, and macros do what these models did. What is left of them would stand in the way of
-- a column that changes.
do $$
declare
    model record;
begin
    for model in
        select pg_class.oid::regclass as name, case relkind when 'v' then 'view' else 'table' end as kind
        from pg_class
        join pg_namespace on pg_namespace.oid = relnamespace
        where
            relkind in ('r', 'v')
            and (
                nspname = 'staging'
                and relname in ('stg_problem_versions', 'stg_fund_movement_versions', 'stg_project_versions', 'stg_visit_versions')
                or nspname = 'intermediate'
                and relname in ('int_problem_versions__arrived', 'int_fund_movements__arrived', 'int_visits__arrived')
            )
        order by relkind desc
    loop
        execute format('drop %s if exists %s cascade', model.kind, model.name);
    end loop;
end
$$;
