// What the browser decides on a strategy's page without asking the server.
(function () {
    "use strict";

    // The list of files folds itself away as menus do.
    function fold(event) {
        var list = document.querySelector("details.strategy-export[open]");
        var inside = list && event.type === "click" && list.contains(event.target) && !event.target.closest("a");
        if (!list || inside || (event.type === "keydown" && event.key !== "Escape")) {
            return;
        }
        list.removeAttribute("open");
        if (event.type === "keydown") {
            list.querySelector("summary").focus();
        }
    }

    document.addEventListener("click", fold);
    document.addEventListener("keydown", fold);
})();

window.dash_clientside = Object.assign({}, window.dash_clientside, {
    strategy: {
        address: function (tab, period, show) {
            if (/^\/user\/[^/]+\/[^/]+\/[^/]+$/.test(location.pathname)) {
                var shown = { tab: tab, period: period };
                window.riskcontrol.tell(tab === "series" ? Object.assign(shown, { show: show }) : shown);
            }
            return ["overview", "price", "series"].indexOf(tab) < 0;
        },
        // What the server is still working on is asked for until it comes, even if nothing is traded meanwhile.
        again: function (version) {
            clearInterval(window.riskcontrol.asking);
            if (version && version.again) {
                window.riskcontrol.asking = setInterval(function () {
                    if (document.getElementById("strategy-cards")) {
                        window.dash_clientside.set_props("strategy-again", { data: Date.now() });
                    } else {
                        clearInterval(window.riskcontrol.asking); // another page is shown
                    }
                }, 1000 * version.again);
            }
        },
    },
});
