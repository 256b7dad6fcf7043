// What the browser decides without asking the server.

// A callback holds the clock while it runs. If its server goes away meanwhile, nobody lets the clock go on: we do,
// once it has stood still for longer than any answer takes.
(function () {
    "use strict";
    var STILL_MS = 4000;
    var held = null;

    setInterval(function () {
        var api = window.dash_component_api;
        var clock = api && api.getLayout && api.getLayout("clock");
        var now = clock && clock.props.disabled ? clock.props.n_intervals || 0 : null;
        if (now !== null && now === held) {
            window.dash_clientside.set_props("pipeline", { children: "The server doesn't answer; trying again \u2026" });
            window.dash_clientside.set_props("dot", { className: "dot dot-stopped" });
            window.dash_clientside.set_props("market", { data: null });
            window.dash_clientside.set_props("clock", { disabled: false });
            held = null;
        } else {
            held = now;
        }
    }, STILL_MS);
})();

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
