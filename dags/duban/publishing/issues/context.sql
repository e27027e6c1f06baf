-- What several parts of an issue ask: the days that are compared, the issue before, and the problems on these days.
calendar as (
    select
        -- of the day itself, or of one until which something is due soon
        exists (
            select from marts.dim_dates as soon
            where
                soon.is_provisional and soon.date_on >= today.date_on
                and soon.working_day_number - today.working_day_number <= %(due_soon_workdays)s
        ) as is_provisional,
        previous.previous_on,
        case when %(is_of_a_day)s then today.date_on - 1 else previous.previous_on end as compared_on,
        (
            select max(date_on)
            from marts.dim_dates as soon
            where soon.working_day_number - today.working_day_number <= %(due_soon_workdays)s
        ) as due_soon_on
    from marts.dim_dates as today
    cross join (select max(date_on) as previous_on from marts.dim_dates where is_working_day and date_on < %(period_start)s) as previous
    where today.date_on = %(day)s
),

-- of earlier days only those of the same campaign are compared with: before its first day nothing was assigned
earlier as (
    select
        campaign.started_on,
        case when calendar.previous_on >= campaign.started_on then calendar.previous_on end as previous_on,
        case when calendar.compared_on >= campaign.started_on then calendar.compared_on end as compared_on
    from calendar
    join raw.campaigns as campaign
        on campaign.district_code = %(district)s and %(day)s between campaign.started_on and campaign.ended_on
),

-- what readers have in their hands: the newest issue of the campaign about an earlier day, perhaps not about the last one before
printed as (
    select issue.publication_id, issue.issue_no, issue.business_on = earlier.previous_on as is_of_previous_day
    from published.publications as issue
    join earlier on issue.business_on between earlier.started_on and earlier.previous_on
    where issue.district_code = %(district)s and issue.series = %(series)s
    order by issue.business_on desc, issue.issue_no desc
    limit 1
),

problems as materialized (select * from marts.problems_as_of(%(district)s, %(day)s, %(known_at)s)),

compared as materialized (
    select * from marts.problems_as_of(%(district)s, (select compared_on from earlier), %(known_at)s)
),

previous as materialized (
    select * from marts.problems_as_of(%(district)s, (select previous_on from earlier), %(known_at)s)
)
