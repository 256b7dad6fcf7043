// What the browser decides on a strategy's page without asking the server.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
    strategy: {
        // The address holds what is shown, so that it can be shared; the page isn't loaded anew.
        address: function (tab, period, show) {
            if (/^\/user\/[^/]+\/[^/]+\/[^/]+$/.test(location.pathname)) {
                var query = new URLSearchParams({ tab: tab, period: period });
                if (tab === "series") {
                    query.set("show", show);
                }
                history.replaceState(history.state, "", location.pathname + "?" + query.toString());
            }
        },
    },
});
