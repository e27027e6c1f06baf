{#-
  marts.withdrawals_as_of(district_code, day, known_at): every problem of the campaign that the office had withdrawn by
  a day, as it was known at a time, with its reason and where that stands. A withdrawal is a word of the office that
  stands until its next word; `withdrawn_on` is the report date with which it began.
-#}
{% macro withdrawals_as_of() -%}
{%- set body %}
with
{{ campaign_of_day() }},

words as (
    select
        versions.*,
        row_number() over (
            partition by versions.problem_no
            order by versions.report_on desc, versions.received_at desc, versions.version_id desc
        ) as age,
        count(*) filter (where versions.status != 'void') over (
            partition by versions.problem_no
            order by versions.report_on desc, versions.received_at desc, versions.version_id desc
        ) as later_statuses_count
    from {{ source('ledgers', 'problems') }} as versions
    where
        versions.district_code = $1
        and versions.is_office
        and versions.report_on <= $2
        and versions.received_at <= $3
),

begun as (
    select
        problem_no,
        min(report_on) as withdrawn_on
    from words
    where status = 'void' and later_statuses_count = 0
    group by problem_no
)

select
    words.district_code,
    words.problem_no,
    words.township_code,
    words.void_reason,
    begun.withdrawn_on,
    words.found_on,
    words.submission_id,
    words.source_file,
    words.source_sheet,
    words.source_row
from words
inner join begun on words.problem_no = begun.problem_no
cross join campaign
where words.age = 1 and words.found_on between campaign.started_on and least($2, campaign.ended_on)
order by begun.withdrawn_on, words.township_code, words.problem_no
{%- endset -%}
{{ keep_function(
    'withdrawals_as_of',
    'district_code text, day date, known_at timestamptz',
    [
        {'name': 'district_code', 'data_type': 'text'},
        {'name': 'problem_no', 'data_type': 'text'},
        {'name': 'township_code', 'data_type': 'text'},
        {'name': 'void_reason', 'data_type': 'text'},
        {'name': 'withdrawn_on', 'data_type': 'date'},
        {'name': 'found_on', 'data_type': 'date'},
        {'name': 'submission_id', 'data_type': 'text'},
        {'name': 'source_file', 'data_type': 'text'},
        {'name': 'source_sheet', 'data_type': 'text'},
        {'name': 'source_row', 'data_type': 'integer'},
    ],
    body,
    'The problems of the campaign that the office had withdrawn by a day as they were known at a time, '
    ~ 'with the reason. Empty outside of campaigns and for days to come.'
) }}
{%- endmacro %}
