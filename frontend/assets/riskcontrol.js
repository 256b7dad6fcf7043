// What the browser decides without asking the server.

// A callback holds the clock while it runs. If its server goes away meanwhile, nobody lets the clock go on: we do,
// once it has stood still for longer than any answer takes.
(function () {
    "use strict";
    var STILL_MS = 4000;
    var held = null;

    setInterval(function () {
        var api = window.dash_component_api;
        var clock = null;
        try {
            clock = api && api.getLayout && api.getLayout("clock");
        } catch (error) {
            return; // nothing is laid out yet
        }
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

(function () {
    "use strict";

    // Go to another page without loading everything anew.
    function go(address) {
        history.pushState({}, "", address);
        window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
        window.scrollTo(0, 0);
    }

    // Links within tables, which aren't components of their own.
    document.addEventListener("click", function (event) {
        var plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
        var link = event.target.closest && event.target.closest("a.in-app");
        if (plain && link) {
            event.preventDefault();
            go(link.getAttribute("href"));
        }
        if (event.target.closest && event.target.closest("a.skip")) {
            event.preventDefault();
            document.getElementById("content").focus();
        }
    });

    // Escape folds the navigation of a narrow screen, and the focus goes back to its button.
    document.addEventListener("keydown", function (event) {
        var ways = document.getElementById("ways");
        if (event.key === "Escape" && ways && ways.classList.contains("ways-open")) {
            window.dash_clientside.set_props("burger", { opened: false });
            document.getElementById("burger").focus();
        }
    });

    // The address holds what a page shows, so that it can be shared; the page isn't loaded anew.
    function tell(shown) {
        history.replaceState(history.state, "", location.pathname + "?" + new URLSearchParams(shown).toString());
    }

    window.riskcontrol = { go: go, tell: tell };
})();

window.dash_clientside = Object.assign({}, window.dash_clientside, {
    riskcontrol: {
        // Where the navigation leads to and which page this is; the user visited last is known to the browser alone.
        ways: function (pathname, visitor) {
            var set = window.dash_clientside.set_props;
            var user = typeof visitor === "string" && /^[a-z0-9][a-z0-9._-]{0,31}$/.test(visitor) ? visitor : null;
            var to = {
                overview: user ? "/user/" + user : "/",
                leaders: user ? "/leaders?user=" + user : "/leaders",
                market: "/market",
                health: "/health",
                new: user ? "/new?user=" + user : "/new",
            };
            var here = { user: "overview" }[pathname.split("/")[1]] || pathname.split("/")[1];
            Object.keys(to).forEach(function (name) {
                set("way-" + name, { href: to[name], "aria-current": name === here ? "page" : "false" });
            });
        },
        // Another page folds the navigation; a user that becomes known meanwhile doesn't.
        fold: function () {
            window.dash_clientside.set_props("burger", { opened: false });
        },
        // What the leaders' page shows.
        ask: function (by, user) {
            if (location.pathname === "/leaders") {
                window.riskcontrol.tell(user ? { by: by, user: user } : { by: by });
            }
        },
        // Whose place the leaders' page shows if its address doesn't say.
        myself: function (id, visitor, user) {
            return user || typeof visitor !== "string" ? window.dash_clientside.no_update : visitor;
        },
        // Statistics that are missing are asked for without waiting for the stream to go on.
        again: function (missing) {
            if (missing) {
                setTimeout(function () {
                    window.dash_clientside.set_props("table-again", { data: missing });
                }, 250);
            }
        },
        // The user visited last is the one whose pages the navigation leads to.
        remember: function (user) {
            if (user) {
                window.dash_clientside.set_props("visitor", { data: user });
            }
        },
        // A table that gets its rows; later its own events tell of a new size.
        fit: function (rows, id) {
            window.dash_ag_grid.getApiAsync(id).then(function (api) {
                window.dashAgGridFunctions.fitted({ api: api });
            });
        },
        // On a narrow screen the navigation is folded away.
        unfold: function (opened) {
            return [opened ? "ways ways-open" : "ways", opened ? "true" : "false"];
        },
    },
});
