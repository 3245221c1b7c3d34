%% Exit reasons as text. What only the BEAM has, stacks and arguments of calls, is left out; reasons.py writes the same.
-module(reasons).
-export([text/1]).

text({shutdown, {failed_to_start_child, Id, Reason}}) -> io_lib:format("failed_to_start(~w,~s)", [Id, text(Reason)]);
text({shutdown, Detail}) -> io_lib:format("shutdown(~w)", [Detail]);
text({bad_return_value, _}) -> "bad_return";
text({Reason, {gen_server, _, _}}) -> io_lib:format("call_failed(~s)", [text(Reason)]);
text({Error, [{_, _, _, _} | _]}) -> io_lib:format("error(~w)", [Error]);
text(Reason) -> io_lib:format("~w", [Reason]).
