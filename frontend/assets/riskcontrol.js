// What the browser decides without asking the server.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
    riskcontrol: {
        // The chosen strategy's key. A selection that only got new numbers is the same choice.
        choose: function (selected, chosen) {
            var keep = window.dash_clientside.no_update;
            var id = null;
            if (selected && selected.ids) {
                id = selected.ids[0];
            } else if (selected && selected.length) {
                id = selected[0].id;
            }
            return id === null || id === undefined || id === chosen ? keep : id;
        },
        // The address holds what is chosen, so that it can be shared; the page isn't loaded anew.
        address: function (chosen, show) {
            if (chosen && location.pathname.indexOf("/user/") === 0) {
                var query = new URLSearchParams({ strategy: chosen, show: show });
                history.replaceState(history.state, "", location.pathname + "?" + query.toString());
            }
            return window.dash_clientside.no_update;
        },
    },
});
