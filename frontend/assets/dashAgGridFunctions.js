// How numbers are written in the tables; the grid's formatters call these by name.
var dagfuncs = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

(function () {
    "use strict";
    var none = "\u2013";
    var minus = "\u2212";

    function number(least, most) {
        return new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
    }

    var one = number(1, 1);
    var two = number(2, 2);
    var three = number(3, 3);
    var four = number(2, 6);
    var whole = number(0, 0);

    function write(format, value) {
        if (value === null || value === undefined) {
            return none;
        }
        return (value < 0 ? minus : "") + format.format(Math.abs(value));
    }

    dagfuncs.money = function (value) {
        return write(two, value);
    };
    dagfuncs.price = function (value) {
        return write(four, value);
    };
    dagfuncs.count = function (value) {
        return write(whole, value);
    };
    dagfuncs.percent = function (value) {
        return dagfuncs.gain(value) + (value === null || value === undefined ? "" : "%");
    };
    dagfuncs.level = function (value) {
        return write(one, value) + (value === null || value === undefined ? "" : "%");
    };
    // A probability is never a certainty.
    dagfuncs.chance = function (value) {
        return value >= 0.9995 ? ">0.999" : value !== null && value < 0.0005 ? "<0.001" : write(three, value);
    };
    dagfuncs.gain = function (value) {
        return (value > 0 ? "+" : "") + write(two, value);
    };
})();
