var stats = {
    type: "GROUP",
name: "All Requests",
path: "",
pathFormatted: "group_missing-name",
stats: {
    "name": "All Requests",
    "numberOfRequests": {
        "total": "12",
        "ok": "12",
        "ko": "0"
    },
    "minResponseTime": {
        "total": "4",
        "ok": "4",
        "ko": "-"
    },
    "maxResponseTime": {
        "total": "50",
        "ok": "50",
        "ko": "-"
    },
    "percentiles3": {
        "total": "44",
        "ok": "44",
        "ko": "-"
    }
},
contents: {
"req_home": {
        type: "REQUEST",
        name: "home",
path: "home",
pathFormatted: "req_home",
stats: {
    "name": "home",
    "numberOfRequests": {
        "total": "12",
        "ok": "12",
        "ko": "0"
    }
}
    }
}

}

function fillStats(stat){
    return { stat: stat };
}
