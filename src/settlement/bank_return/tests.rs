use super::*;

fn file(content: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"{}\"><CstmrPmtStsRpt><GrpHdr><MsgId>BANK-1</MsgId></GrpHdr>{content}</CstmrPmtStsRpt></Document>",
        NAMESPACES[1]
    )
}

fn group(status: &str) -> String {
    format!("<OrgnlGrpInfAndSts><OrgnlMsgId>PASSPLUS-92-1</OrgnlMsgId>{status}</OrgnlGrpInfAndSts>")
}

fn transfer(id: &str, status: &str, reason: &str) -> String {
    format!(
        "<TxInfAndSts><OrgnlEndToEndId>{id}</OrgnlEndToEndId><TxSts>{status}</TxSts><StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf></TxInfAndSts>"
    )
}

fn order(content: &str) -> String {
    format!("<OrgnlPmtInfAndSts><OrgnlPmtInfId>PASSPLUS-92-1</OrgnlPmtInfId>{content}</OrgnlPmtInfAndSts>")
}

fn rejected(text: &str) -> bool {
    BankReturn::parse(text.as_bytes()).is_err_and(|error| error.refusal() == Refusal::BankFileUnreadable)
}

#[test]
fn statuses_and_reasons_are_read_by_transfer() {
    let text = file(
        &(group("<GrpSts>PART</GrpSts>") + &order(&(transfer("A-1", "ACSC", "X") + &transfer("A-2", "RJCT", "AC04")))),
    );
    let read = BankReturn::parse(text.as_bytes()).expect("a return");
    assert_eq!(read.message_id, "PASSPLUS-92-1");
    assert_eq!(read.whole, None);
    let verdict = |word, reason: &str| Verdict { word, reason: Some(reason.to_owned()) };
    let named = |id: &str, verdict| Named { end_to_end_id: id.to_owned(), amount: None, verdict };
    let expected = [named("A-1", verdict(BankWord::Accepted, "X")), named("A-2", verdict(BankWord::Rejected, "AC04"))];
    assert_eq!(read.transfers, expected);
    // The older version, a prefix and a byte order mark change nothing.
    let old = text.replace("001.10", "001.03");
    let prefixed = "\u{feff}".to_owned()
        + &old
            .replace("</", "</p:")
            .replace('<', "<p:")
            .replace("<p:/p:", "</p:")
            .replace("<p:?", "<?")
            .replace("xmlns=", "xmlns:p=");
    assert_eq!(BankReturn::parse(prefixed.as_bytes()).expect("a return"), read);
}

#[test]
fn a_status_of_the_whole_is_for_all_when_no_transfer_is_named() {
    let reason = "<StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf>";
    let read = BankReturn::parse(file(&group(&format!("<GrpSts>RJCT</GrpSts>{reason}"))).as_bytes()).expect("a return");
    assert_eq!(read.whole, Some(Verdict { word: BankWord::Rejected, reason: Some("FF01".to_owned()) }));
    let read =
        BankReturn::parse(file(&(group("") + &order("<PmtInfSts>ACCP</PmtInfSts>"))).as_bytes()).expect("a return");
    assert_eq!(read.whole.map(|verdict| verdict.word), Some(BankWord::Accepted));
}

#[test]
fn figures_are_read_wherever_they_stand() {
    let two = group("<OrgnlNbOfTxs>2</OrgnlNbOfTxs><OrgnlCtrlSum>68</OrgnlCtrlSum>");
    let amount = |text: &str| format!("<OrgnlTxRef><Amt>{text}</Amt></OrgnlTxRef></TxInfAndSts>");
    let with = |text: &str| transfer("A-1", "ACSC", "X").replace("</TxInfAndSts>", &amount(text));
    let good = with("<InstdAmt Ccy=\"EUR\">55.5</InstdAmt>");
    let figures = "<OrgnlNbOfTxs>1</OrgnlNbOfTxs><OrgnlCtrlSum>55.50</OrgnlCtrlSum>";
    let read = BankReturn::parse(file(&(two + &order(&(figures.to_owned() + &good)))).as_bytes()).expect("a return");
    assert_eq!((read.counts, read.sums), ([1, 2].into(), [Cents::new(5_550), Cents::new(6_800)].into()));
    assert_eq!(read.transfers[0].amount, Some(Cents::new(5_550)));
    assert_eq!(read.order_ids, ["PASSPLUS-92-1".to_owned()].into());
    for wrong in ["1.001", "-1.00", "1,00", "", "1e2", "99999999999999999999"] {
        let text = with(&format!("<InstdAmt Ccy=\"EUR\">{wrong}</InstdAmt>"));
        assert!(rejected(&file(&(group("") + &order(&text)))), "{wrong}");
    }
    for wrong in ["<InstdAmt Ccy=\"USD\">1.00</InstdAmt>", "<InstdAmt>1.00</InstdAmt>"] {
        assert!(rejected(&file(&(group("") + &order(&with(wrong))))), "{wrong}");
    }
}

#[test]
fn what_is_doubtful_is_unreadable_as_a_whole() {
    let good = file(&(group("") + &order(&transfer("A-1", "ACSC", "X"))));
    assert!(BankReturn::parse(good.as_bytes()).is_ok());
    for wrong in [
        String::new(),
        "{\"".to_owned(),
        "<a/>".to_owned(),
        good.replace("pain.002.001.10", "pain.002.001.99"),
        good.replace("pain.002.001.10", "pain.001.001.09"),
        good.replace("</TxInfAndSts>", ""),
        good.replace("</Document>", ""),
        format!("{good}{good}"),
        good.replace("<Document", "<!DOCTYPE Document [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Document"),
        good.replace("A-1", "&x;"),
        good.replace("A-1", "A&#45;1"),
        good.replace("A-1", ""),
        good.replace("A-1", &"x".repeat(36)),
        good.replace("ACSC", "MAYBE"),
        good.replace("<TxSts>ACSC</TxSts>", ""),
        good.replace("<OrgnlMsgId>PASSPLUS-92-1</OrgnlMsgId>", ""),
        file(&group("")),
        file(&(group("") + &order(&(transfer("A-1", "ACSC", "X") + &transfer("A-1", "RJCT", "X"))))),
        file(&(group("<GrpSts>RJCT</GrpSts>") + &order(&transfer("A-1", "ACSC", "X")))),
        file(&(group("<OrgnlNbOfTxs>x</OrgnlNbOfTxs>") + &order(&transfer("A-1", "ACSC", "X")))),
        file(&"<a>".repeat(40)),
    ] {
        assert!(rejected(&wrong), "{wrong}");
    }
    assert!(BankReturn::parse(&[0xff, 0xfe, 0x00]).is_err());
}
