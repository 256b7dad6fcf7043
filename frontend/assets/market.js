// What the browser decides on the market's pages.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
    market: {
        address: function (period, interval) {
            if (location.pathname.indexOf("/market/") === 0 && period && interval) {
                window.riskcontrol.tell({ period: period, interval: interval });
            }
        },
    },
});

// Which tickers a search shows: the one that was typed, those that begin so, those that have it elsewhere; in each part
// as they came, the most traded first.
(window.dashMantineFunctions = window.dashMantineFunctions || {}).tickers = function (params) {
    var wanted = params.search.trim().toUpperCase();
    var parts = [[], [], []];
    params.options.forEach(function (option) {
        var at = option.value.toUpperCase().indexOf(wanted);
        if (at >= 0) {
            parts[at ? 2 : option.value.length === wanted.length ? 0 : 1].push(option);
        }
    });
    return [].concat.apply([], parts).slice(0, 12);
};
