"""A plan as plain data."""

import json

from dimscope.pipeline.plan import Plan, PlannedLayer, PlannedStage


def test_a_plan_is_plain_data_with_the_sum_of_its_stages():
    stages = [PlannedStage("read", 1.5, "3 batches"), PlannedStage("neighbors", 2.0, "one layer")]
    plan = Plan("runs/x", {}, {"examples": 5}, [PlannedLayer("block_01", 8, 288)], {"states": 288}, {}, {}, 1, stages, [])
    assert plan.seconds == 3.5
    content = json.loads(json.dumps(plan.to_dict()))
    assert content["seconds"] == 3.5
    assert content["layers"] == [{"name": "block_01", "width": 8, "bytes": 288}]
    assert content["stages"][0] == {"name": "read", "seconds": 1.5, "basis": "3 batches"}
