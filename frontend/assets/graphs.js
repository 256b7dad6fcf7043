// The library of graphs is by far the largest script of a page. It comes once the page's first numbers are painted, so
// that they needn't wait for it; a graph that is asked for says until then that it is loading.
(function () {
    "use strict";
    var LONGEST_MS = 1500; // a page whose numbers don't come has its graph all the same
    var LOOK_MS = 30;
    var began = null;

    function numbers() {
        var shown = document.querySelectorAll("#content .figure, #content .ag-row, #content .last-price");
        return Array.prototype.some.call(shown, function (one) { return /[0-9]/.test(one.textContent); });
    }

    function load(done, failed) {
        var script = document.createElement("script");
        script.src = window._dashPlotlyJSURL;
        script.onload = function () { done(window.Plotly); };
        script.onerror = failed;
        document.head.appendChild(script);
    }

    function look(done, failed) {
        if (numbers() || performance.now() - began > LONGEST_MS) {
            // Two frames: what is there now has been painted then.
            requestAnimationFrame(function () { requestAnimationFrame(function () { load(done, failed); }); });
        } else {
            setTimeout(look, LOOK_MS, done, failed);
        }
    }

    // Dash takes a Plotly that is there already, and waits for one that is promised.
    var promised = null;
    window.Plotly = {
        then: function (done, failed) {
            began = began === null ? performance.now() : began;
            promised = promised || new Promise(function (done, failed) { look(done, failed); });
            promised.then(done, failed);
        }
    };
})();
