select
    project.project_no,
    project.project_name,
    project.category,
    project.township_code,
    township.township_name,
    project.place,
    project.planned_yuan,
    project.planned_start_on,
    project.planned_finish_on,
    project.progress_pct,
    project.stage
from marts.fct_projects as project
inner join marts.dim_townships as township on township.township_code = project.township_code
where project.district_code = %(district_code)s
order by township.display_order, project.project_no
