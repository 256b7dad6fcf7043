// The market's pages: what is shown stands in the address, so that it can be shared; the page isn't loaded anew.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
    market: {
        address: function (period, interval) {
            if (location.pathname.indexOf("/market/") === 0 && period && interval) {
                var query = new URLSearchParams({ period: period, interval: interval });
                history.replaceState(history.state, "", location.pathname + "?" + query.toString());
            }
        },
    },
});
