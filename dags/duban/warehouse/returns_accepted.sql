with recursive chain as (
    select submission_id, corrects_id from ops.submissions where submission_id = %s
    union
    select earlier.submission_id, earlier.corrects_id
    from ops.submissions as earlier inner join chain on earlier.submission_id = chain.corrects_id
)
select {key} from {target} where submission_id in (select submission_id from chain)
