-- Files without a report date (unreadable, or two dates in one) are counted with the newest ones.
with newest as (
    select distinct report_on
    from marts.fct_submissions
    where district_code = %(district_code)s and report_on is not null
    order by report_on desc
    limit %(quality_days)s
),

files as (
    select *
    from marts.fct_submissions
    where district_code = %(district_code)s and (report_on is null or report_on in (select report_on from newest))
)
