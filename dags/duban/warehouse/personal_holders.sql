select version.district_code, household.holder_name, true
from personal.households as household join {table} as version using (household_key)
where household.holder_name is not null and not exists (select from personal.known_names)
