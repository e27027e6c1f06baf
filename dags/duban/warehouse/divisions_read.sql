create temporary table division (
    line int, village_code text, village_name text, township_code text, township_name text,
    district_name text, township_kind text, is_ranked boolean, display_order int
) on commit drop
